"""The order of the runs within blocks, balanced over the blocks.

Random orders of their own may put one arm behind the baseline in every block, and whatever drifts on the machine is
then an effect. A Latin rectangle puts every run at another position in each block.
"""

from random import Random


def balanced_orders(treatments: int, blocks: int, random: Random) -> list[list[int]]:
    """Return the order of the treatments 0 … n − 1 in each block.

    Each treatment has each position at most ⌈blocks/n⌉ times: the orders are the rows of random Latin rectangles of at
    most n rows. Every treatment is as likely at every position of every block.
    """
    rows: list[list[int]] = []
    while treatments and len(rows) < blocks:
        rows += _latin_rectangle(treatments, min(treatments, blocks - len(rows)), random)
    random.shuffle(rows)
    return rows or [[] for _ in range(blocks)]


def _latin_rectangle(treatments: int, rows: int, random: Random) -> list[list[int]]:
    """Random orders in which no treatment has a position twice."""
    left = [set(range(treatments)) for _ in range(treatments)]  # by position, the treatments that were not there yet
    names = random.sample(range(treatments), treatments)
    orders = []
    for _ in range(rows):
        order = _matching(left, random)
        for position, treatment in enumerate(order):
            left[position].remove(treatment)
        orders.append([names[treatment] for treatment in order])
    return orders


def _matching(choices: list[set[int]], random: Random) -> list[int]:
    """Give each position one of its choices, and no treatment to two positions.

    Augmenting paths (Kuhn 1955), in random order. There is a solution: each position has as many choices as each
    treatment has positions.
    """
    position_of: dict[int, int] = {}

    def place(position: int, tried: set[int]) -> bool:
        for treatment in random.sample(sorted(choices[position]), len(choices[position])):
            if treatment not in tried:
                tried.add(treatment)
                if treatment not in position_of or place(position_of[treatment], tried):
                    position_of[treatment] = position
                    return True
        return False

    for position in random.sample(range(len(choices)), len(choices)):
        place(position, set())
    order = {position: treatment for treatment, position in position_of.items()}
    return [order[position] for position in range(len(choices))]
