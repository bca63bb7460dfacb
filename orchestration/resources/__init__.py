"""What assets talk to: dbt, expectations. One module each."""
