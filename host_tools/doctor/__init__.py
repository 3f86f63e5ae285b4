"""What is wrong with a gateway, part by part, in lines that say what to check next."""
