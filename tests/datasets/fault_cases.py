"""The catalogue of damaged input: a name, the damage, what must be found, how many of the two objects are left."""
from tests.datasets.picture_fault_cases import PICTURE_FAULTS
from tests.datasets.xml_fault_cases import OBJECT_FAULTS, XML_FAULTS

FAULTS = XML_FAULTS + OBJECT_FAULTS + PICTURE_FAULTS
