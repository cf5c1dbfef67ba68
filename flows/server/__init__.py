"""What `tracker up` starts and deploys: Prefect server, worker, database, deployments."""
