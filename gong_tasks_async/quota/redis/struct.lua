-- For the fakes of Redis in memory that lack Lua's `struct`: numbers as doubles, their lowest byte first. Each Redis has it,
-- and there nothing of this is made.
local struct = struct or (function()
  local floor, huge, TOP = math.floor, math.huge, 2 ^ 52

  local function bytes_of(number)
    local sign, fraction, exponent = number < 0 and 128 or 0, math.frexp(math.abs(number))
    if number == 0 then exponent = 0 else fraction, exponent = (2 * fraction - 1) * TOP, exponent + 1022 end
    if number - number ~= 0 then fraction, exponent = number == number and 0 or 1, 2047 end
    local bytes = {}
    for place = 1, 6 do bytes[place], fraction = fraction % 256, floor(fraction / 256) end
    return string.char(bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], exponent % 16 * 16 + fraction,
      sign + floor(exponent / 16))
  end

  local function number_of(text, at)
    local fraction, high, top = 0, text:byte(at + 6, at + 7)
    for place = at + 5, at, -1 do fraction = fraction * 256 + text:byte(place) end
    fraction = fraction / TOP + high % 16 / 16
    local exponent, sign = top % 128 * 16 + floor(high / 16), top < 128 and 1 or -1
    if exponent == 2047 then return fraction == 0 and sign * huge or 0 / 0 end
    if exponent == 0 then return 0 end
    return sign * math.ldexp(1 + fraction, exponent - 1023)
  end

  local function count(form) return select(2, form:gsub('d', '')) end

  local function pack(form, ...)
    local texts = {...}
    for place = 1, count(form) do texts[place] = bytes_of(texts[place]) end
    return table.concat(texts, '', 1, count(form))
  end

  local function read(form, text, at)
    local numbers, at = {}, at or 1
    for place = 1, count(form) do numbers[place], at = number_of(text, at), at + 8 end
    numbers[count(form) + 1] = at
    return unpack(numbers)
  end

  return {pack = pack, unpack = read}
end)()
