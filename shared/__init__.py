"""What every service stands on: words, contracts, the streaming core, the database and HTTP shells.

Imports no service. Inside, arrows point one way: vocabulary and errors at the bottom, then contracts,
then database, then streaming, then embedded and http.
"""
