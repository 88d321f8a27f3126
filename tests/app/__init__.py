"""The app over real stores, real files and a real bare repository; one process, two homes."""
