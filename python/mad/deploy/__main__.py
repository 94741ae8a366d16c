from mad.cli.deploy.app import app

app(prog_name="python -m mad.deploy")
