"""The project itself: settings, start-up, the front of the web server. It knows all apps; no app knows it."""
