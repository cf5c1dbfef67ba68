"""What every resource shares: tables, the pipeline that runs dlt, cleaning, quarantine and checks."""
