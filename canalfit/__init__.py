"""The application: from a CT series to a plan folder, on the command line."""

from sizing import __version__ as __version__
