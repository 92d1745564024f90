"""People as solids: staff in gown, cap and mask who reach for what they hold, and the patient on the table."""

from __future__ import annotations

import math

from orqa_plugin_hybridor.geometry.solids import Colour, SolidBuilder, shade
from orqa_plugin_hybridor.geometry.vectors import Vector, add
from orqa_plugin_hybridor.procedure.situation import OPERATING_FIELD, PatientState, PlacedPerson
from orqa_plugin_hybridor.procedure.staff import STERILE_ROLES
from orqa_plugin_hybridor.scene.skeleton import KNEE_POSITION, LEFT_SIDE, PATIENT_JOINTS, RIGHT_SIDE, SIDES, Body

GLOVE_COLOUR: Colour = (238, 226, 196)
MASK_COLOUR: Colour = (170, 214, 226)
SHOE_COLOUR: Colour = (226, 228, 230)
DRAPE_COLOUR: Colour = (62, 128, 124)
BLOOD_COLOUR: Colour = (196, 12, 18)
BONE_COLOUR: Colour = (244, 232, 196)
UPPER_TRACKER_POSITION: Vector = (130.0, 40.0, 1320.0)
LOWER_TRACKER_POSITION: Vector = (600.0, 20.0, 1240.0)
"""Where the arrays are that are pinned to the bones, mm."""


def add_person(solids: SolidBuilder, placed: PlacedPerson) -> None:
    """Add one member of staff. A little broader than life, so that gown and cap tell the role at a hundred pixels."""
    person = placed.person
    solids.tag(person.role, person.number)
    build = person.build
    body = Body(placed)
    at, ahead = body.point_at, body.ahead
    trousers, cap = shade(person.gown, 0.72), shade(person.gown, 1.12)

    for side in (LEFT_SIDE, RIGHT_SIDE):
        solids.add_cone(at(0.02, 95 * side), at(0.34, 80 * side), 66.0, trousers, 84.0)
        solids.add_ellipsoid(at(0.022, 95 * side, 45.0), (135.0, 62.0, 42.0), SHOE_COLOUR, placed.yaw)
    solids.add_oval_cone(at(0.2), at(0.56), (175.0 * build, 235.0 * build), 0.85, placed.yaw, person.gown)
    solids.add_oval_cone(at(0.56), at(0.82), (152.0 * build, 205.0 * build), 1.04, placed.yaw, person.gown)
    solids.add_ellipsoid(at(0.815), (135.0 * build, 228.0 * build, 72.0), person.gown, placed.yaw)
    head = body.head
    solids.add_sphere(head, 120.0, person.skin)
    solids.add_ellipsoid(add(add(head, (0.0, 0.0, 42.0)), ahead, -18.0), (132.0, 130.0, 104.0), cap, placed.yaw)
    solids.add_ellipsoid(add(add(head, (0.0, 0.0, -40.0)), ahead, 62.0), (66.0, 88.0, 62.0), MASK_COLOUR, placed.yaw)

    glove = GLOVE_COLOUR if person.role in STERILE_ROLES else person.skin
    for name, side in SIDES.items():
        solids.tag(person.role, person.number)
        shoulder, elbow, palm = body.arm_joints(side)
        solids.add_limb(shoulder, elbow, 68.0 * build, person.gown)
        solids.add_limb(elbow, palm, 56.0 * build, person.gown)
        solids.tag(person.role, person.number, f"{name} hand")
        solids.add_sphere(palm, 58.0, glove)


def add_patient(solids: SolidBuilder, patient: PatientState, skin: Colour) -> None:
    """Add the patient, on the back, head towards -x, one knee bent for the operation."""
    gown = (178, 204, 220)
    solids.tag("patient")
    solids.add_sphere(PATIENT_JOINTS["head"], 118.0, skin)
    solids.add_ellipsoid((-893.0, 0.0, 1012.0), (86.0, 126.0, 122.0), (150, 220, 170))
    solids.add_ellipsoid((-812.0, 0.0, 1105.0), (56.0, 60.0, 32.0), (150, 214, 226))
    if not patient.draped:
        solids.add_ellipsoid((-380.0, 0.0, 1000.0), (370.0, 215.0, 125.0), gown)
        for side in (-1, 1):
            solids.add_limb((-590.0, 225.0 * side, 985.0), (-50.0, 250.0 * side, 950.0), 52.0, skin)
        solids.add_limb((-120.0, 100.0, 985.0), (420.0, 120.0, 970.0), 86.0, gown)
        solids.add_limb((420.0, 120.0, 970.0), (860.0, 120.0, 955.0), 64.0, skin)
        solids.add_ellipsoid(PATIENT_JOINTS["left_foot"], (55.0, 50.0, 95.0), skin)
        solids.add_limb((-120.0, -90.0, 990.0), (250.0, -75.0, 1110.0), 92.0, gown)
    else:
        solids.tag("drape")
        solids.add_ellipsoid((-330.0, 0.0, 985.0), (480.0, 260.0, 150.0), DRAPE_COLOUR)
        solids.add_box((330.0, 20.0, 915.0), (640.0, 318.0, 26.0), DRAPE_COLOUR)
        solids.add_box((160.0, 20.0, 800.0), (820.0, 326.0, 130.0), shade(DRAPE_COLOUR, 0.85))
        solids.add_ellipsoid((430.0, 130.0, 950.0), (470.0, 110.0, 80.0), shade(DRAPE_COLOUR, 1.12))
        solids.add_box((-640.0, 0.0, 1180.0), (12.0, 330.0, 200.0), shade(DRAPE_COLOUR, 1.2))
        solids.add_limb((-120.0, -90.0, 990.0), (215.0, -78.0, 1090.0), 112.0, shade(DRAPE_COLOUR, 1.12))
    solids.tag("patient")
    _add_knee(solids, patient, skin)


def _add_knee(solids: SolidBuilder, patient: PatientState, skin: Colour) -> None:
    """Add the bent leg with the field on its knee; wound and pins are twice life size, to be seen from above."""
    solids.add_limb((170.0, -76.0, 1075.0), KNEE_POSITION, 92.0, skin)
    solids.add_sphere(KNEE_POSITION, 96.0, skin)
    solids.add_limb(KNEE_POSITION, (720.0, -70.0, 955.0), 70.0, skin)
    solids.add_ellipsoid(PATIENT_JOINTS["right_foot"], (60.0, 52.0, 100.0), skin)
    top = add(OPERATING_FIELD, (0.0, 0.0, 4.0))
    if patient.wound == "incised":
        solids.add_ellipsoid(add(top, (5.0, 0.0, -26.0)), (165.0, 100.0, 40.0), BLOOD_COLOUR)
    elif patient.wound == "open":
        solids.add_ellipsoid(add(top, (0.0, 0.0, -16.0)), (96.0, 62.0, 30.0), (120, 24, 30))
        solids.add_ellipsoid(add(top, (0.0, 0.0, -2.0)), (56.0, 36.0, 24.0), BONE_COLOUR)
    elif patient.wound == "sutured":
        solids.add_ellipsoid(add(top, (0.0, 0.0, -8.0)), (84.0, 16.0, 18.0), (150, 50, 54))
        for stitch in range(-2, 3):
            start = add(top, (34.0 * stitch, -34.0, 4.0))
            solids.add_cone(start, add(start, (0.0, 68.0, 0.0)), 6.0, (30, 30, 60))
    if patient.wet:
        solids.add_ellipsoid(add(top, (0.0, 0.0, -30.0)), (150.0, 96.0, 36.0), (206, 140, 74))
    if patient.trackers:
        solids.tag("tracker")
        for base, end in (
            ((150.0, -60.0, 1130.0), UPPER_TRACKER_POSITION),
            ((560.0, -75.0, 1080.0), LOWER_TRACKER_POSITION),
        ):
            solids.add_cone(base, end, 9.0, (196, 200, 206))
            add_tracking_array(solids, end, 62.0, (28, 30, 34), (150, 154, 160))


def add_tracking_array(solids: SolidBuilder, middle: Vector, radius: float, plate: Colour, balls: Colour) -> None:
    """Add a tracking array: a plate with three balls that a tracker camera sees."""
    for arm in range(3):
        angle = math.radians(90.0 + 120.0 * arm)
        end = add(middle, (radius * math.cos(angle), radius * math.sin(angle), 0.0))
        solids.add_cone(middle, end, 0.17 * radius, plate)
        solids.add_sphere(end, 0.36 * radius, balls)
