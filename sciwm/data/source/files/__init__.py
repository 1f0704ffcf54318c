"""What somebody's files hold: opened lazily, whatever their format and layout, and joined to one Dataset."""
