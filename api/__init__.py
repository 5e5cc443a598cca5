"""The way in: GraphQL, HTTP and the command line."""
