"""Places that are no files of this machine: object stores, web servers, archives."""
