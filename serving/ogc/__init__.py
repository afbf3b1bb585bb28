"""OGC API - Features (17-069r4) over the sites of the newest publication: what a GIS program opens as layers."""
