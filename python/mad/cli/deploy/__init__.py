"""`mad deploy`: one module for each verb."""
