# All of it is here, since the setuptools of old systems read no other file.
import io
import os

from setuptools import setup

HERE = os.path.dirname(os.path.abspath(__file__))

with io.open(os.path.join(HERE, "README.md"), encoding="utf-8") as readme:
    description = readme.read()

setup(
    name="dectris-grimsel",
    version="0.1.0",
    description="Clients of Grimsel's status port and message port",
    long_description=description,
    long_description_content_type="text/markdown",
    license="MIT",
    packages=["dectris", "dectris.grimsel", "dectris.grimsel.examples"],
    python_requires=">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*, !=3.5.*",
    zip_safe=False,
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 2.7",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering",
    ],
)
