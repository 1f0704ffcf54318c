"""What damaged and hostile files, kills and power losses do to the commands: told, unchanged, or wrong?"""
