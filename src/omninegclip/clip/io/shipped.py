"""The models that ship, for code that needs no torch."""

SHIPPED = {"scenes-small": "scenes/weights/scenes-small"}  # name -> folder inside this package
