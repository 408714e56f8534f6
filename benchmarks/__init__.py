"""What the library costs, beside what it is compared with; `python -m benchmarks` runs everything."""
