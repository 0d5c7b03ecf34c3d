#!/usr/bin/env python3
"""Makes a folder with PyTorch's library for processors, from the wheels of the Python package index.

  usage: libtorch.py OUT          then build with LIBTORCH=OUT and `--features tch`

For machines that cannot download libtorch itself. About 550 MB are downloaded, 500 MB kept. torch-sys 0.22 is written
for libtorch 2.9; 2.11 works with it too, and its wheel is the smaller one. The wheel's libtorch.so is no more than a
name for the libraries behind it, CUDA's among them: it is replaced by one for the processor's alone. Two small CUDA
libraries are linked into what is left, and come with it.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

WHEELS = {
    "torch==2.11.0": ["libtorch_cpu.so", "libc10.so", "libgomp.so.1"],
    "nvidia-cuda-cupti==13.0.85": ["libcupti.so.13"],
    "nvidia-cuda-runtime==13.0.96": ["libcudart.so.13"],
}
INCLUDE = "torch/include/"


def extract(archive, member, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with archive.open(member) as source, open(target, "wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def main(out):
    done = os.path.join(out, ".complete")
    if os.path.exists(done):
        return
    os.makedirs(out, exist_ok=True)
    lib = os.path.join(out, "lib")
    with tempfile.TemporaryDirectory(dir=out) as wheels:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-d", wheels, *WHEELS], check=True)
        for wheel in glob.glob(os.path.join(wheels, "*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                for member in archive.namelist():
                    name = os.path.basename(member)
                    if name and member.startswith(INCLUDE):
                        extract(archive, member, os.path.join(out, "include", member[len(INCLUDE):]))
                    elif any(name in names for names in WHEELS.values()):
                        extract(archive, member, os.path.join(lib, name))
    subprocess.run(
        ["cc", "-shared", "-x", "c", os.devnull, "-o", os.path.join(lib, "libtorch.so"), "-Wl,-soname,libtorch.so",
         "-Wl,--no-as-needed", f"-L{lib}", "-ltorch_cpu", "-lc10", "-Wl,--allow-shlib-undefined", "-Wl,-rpath,$ORIGIN"],
        check=True,
    )
    open(done, "w").close()


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
