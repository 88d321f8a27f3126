"""What runs a sync without a person: render() is pure, install() and remove() are thin."""
