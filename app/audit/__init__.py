"""Who changed what of a store, from where and when: written by triggers (`app.migrations.auditing`), read here."""
