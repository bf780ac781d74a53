"""`--anonymize`: pseudonyms in place of addresses, hosts and IPs."""
