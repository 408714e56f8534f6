"""All modules, since commands are imported by name when they are invoked; and the scripts that Redis runs."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

hiddenimports = collect_submodules("gong_tasks_async", filter=lambda name: "_pyinstaller" not in name)
datas = collect_data_files("gong_tasks_async") + copy_metadata("gong_tasks_async")
