"""The agreement between two stores: code, request, answer, end."""
