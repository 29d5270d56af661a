"""Questions that an analyst asks a finished result database; read only, exact integers."""
