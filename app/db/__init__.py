"""Postgres, and nothing else: one module of queries per noun, over Core statements that are built once.

Callers bring the connection and so own the transaction; every query names the tenant. Tables are private to this
package. Nothing here decides about drafts, and no text of a draft leaves through an error.
"""
