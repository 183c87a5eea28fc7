"""A sheet of a workbook as CSV, in a process of its own, with number formats as a person sees them."""
