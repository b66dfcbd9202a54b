# Other packages put modules below `dectris` too: each of them may be installed in a place of its own.
from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
