"""``tragt costs``: cost exports of ad platforms into the workspace, and what they sum to."""
