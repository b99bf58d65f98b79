"""Whether two systems are equal, up to a margin that does not matter."""

from scipy.stats import t as student


def equivalence_p(value: float, error: float, freedom: float, margin: float) -> float:
    """p-value that a difference is as large as ``margin`` or larger, on either side: two one-sided tests.

    Schuirmann, A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence
    of average bioavailability, Journal of Pharmacokinetics and Biopharmaceutics 1987.

    :param error: standard error of ``value``, with ``freedom`` degrees of freedom.
    """
    room = margin - abs(value)
    if error == 0:
        return 0.0 if room > 0 else 1.0
    return float(student.sf(room / error, freedom))
