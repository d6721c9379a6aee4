"""How like two sets of pictures are: figures that training and evaluation share."""
