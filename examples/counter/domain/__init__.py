"""The counter's own domain; what it does not have comes from the machine."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
