"""Two stores that agree to work together: the code, the request, the answer, the end."""
