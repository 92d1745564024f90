"""What commands of any package share: lazy loading, output, tables, options."""
