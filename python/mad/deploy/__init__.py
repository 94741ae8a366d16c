"""From a stack file to a running system on AWS: `python -m mad.deploy`."""
