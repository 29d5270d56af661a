"""The report of a run as one HTML file: tables by Python, charts by the scripts in this folder."""
