# Twice, so that a database with a log is opened again, which writes a new manifest.
python3 -c 'from store import store; store(1, 14)'
python3 -c 'from store import store; store(15, 20)'
