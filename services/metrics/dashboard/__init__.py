"""The page: own HTML, CSS and ES modules, served as they are; no build step, nothing from elsewhere.

plotly.js comes from the installed ``plotly`` package. Everything obeys ``default-src 'none'``: no inline script or
style.
"""
