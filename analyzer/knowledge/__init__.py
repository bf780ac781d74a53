"""What replies mean: the entries, the rules that tell their texts, and their translations."""
