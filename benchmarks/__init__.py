"""How fast the shop is, against the libraries' documented ways and against PostgreSQL itself."""
