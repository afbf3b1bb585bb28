"""Personal data: protected at landing's edge, looked for where nobody marked them."""
