"""Google Ads, by the Data Manager API."""
