"""What commands of any package share: lazy loading, output, tables, options."""

__all__ = [
    "lazy_command",
    "output",
    "root_option",
]
