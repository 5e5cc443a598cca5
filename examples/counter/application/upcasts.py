"""No event has changed since it was first stored."""

from application.upcast import Upcasts

UPCASTS: Upcasts = {}
