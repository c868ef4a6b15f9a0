"""The followed series, one line each: adding a series is adding a line.

Names, units, frequencies and seasonal adjustments are FRED's own (https://fred.stlouisfed.org/series/<id>); whether
they still are is checked against each answer. What does not belong here: rates that their administrator is asked for
(SOFR and its kin, findata_resources/providers/nyfed.py).
"""

from dataclasses import dataclass

from findata_core.errors import ConfigurationError


@dataclass(frozen=True)
class Series:
    """A series of FRED: what it is called, and what its values are.

    `frequency`: D, W, BW, M, Q, SA or A. `seasonal_adjustment`: NSA, SA or SAAR. `release`: where it is published.
    """

    series_id: str
    name: str
    unit: str
    frequency: str
    seasonal_adjustment: str
    release: str
    topic: str


_H10, _H15 = "H.10 Foreign Exchange Rates", "H.15 Selected Interest Rates"
_CPI, _JOBS, _NIPA, _PCE = (
    "Consumer Price Index",
    "Employment Situation",
    "Gross Domestic Product",
    "Personal Income and Outlays",
)
_CMT = "Market Yield on U.S. Treasury Securities at {}-{} Constant Maturity, Quoted on an Investment Basis"
_URBAN = "Consumer Price Index for All Urban Consumers"
_INDEX_82, _INDEX_17 = "Index 1982-1984=100", "Index 2017=100"
_GDP_2017 = "Billions of Chained 2017 Dollars"


def _yield(series_id: str, number: int, unit: str) -> Series:
    return Series(series_id, _CMT.format(number, unit), "Percent", "D", "NSA", _H15, "treasury_yields")


def _fx(series_id: str, name: str, unit: str) -> Series:
    return Series(series_id, f"{name} Spot Exchange Rate", unit, "D", "NSA", _H10, "fx")


# Sorted by id.
SERIES: tuple[Series, ...] = (
    Series("CES0500000003", "Average Hourly Earnings of All Employees, Total Private", "Dollars per Hour", "M", "SA", _JOBS, "payrolls"),
    Series("CIVPART", "Labor Force Participation Rate", "Percent", "M", "SA", _JOBS, "unemployment"),
    Series("CPIAUCNS", f"{_URBAN}: All Items in U.S. City Average", _INDEX_82, "M", "NSA", _CPI, "inflation"),
    Series("CPIAUCSL", f"{_URBAN}: All Items in U.S. City Average", _INDEX_82, "M", "SA", _CPI, "inflation"),
    Series("CPILFESL", f"{_URBAN}: All Items Less Food and Energy in U.S. City Average", _INDEX_82, "M", "SA", _CPI, "inflation"),
    Series("DCOILBRENTEU", "Crude Oil Prices: Brent - Europe", "Dollars per Barrel", "D", "NSA", "Spot Prices", "commodities"),
    Series("DCOILWTICO", "Crude Oil Prices: West Texas Intermediate (WTI) - Cushing, Oklahoma", "Dollars per Barrel", "D", "NSA", "Spot Prices", "commodities"),
    _fx("DEXCAUS", "Canadian Dollars to U.S. Dollar", "Canadian Dollars to One U.S. Dollar"),
    _fx("DEXCHUS", "Chinese Yuan Renminbi to U.S. Dollar", "Chinese Yuan Renminbi to One U.S. Dollar"),
    _fx("DEXJPUS", "Japanese Yen to U.S. Dollar", "Japanese Yen to One U.S. Dollar"),
    _fx("DEXSZUS", "Swiss Francs to U.S. Dollar", "Swiss Francs to One U.S. Dollar"),
    _fx("DEXUSAL", "U.S. Dollars to Australian Dollar", "U.S. Dollars to One Australian Dollar"),
    _fx("DEXUSEU", "U.S. Dollars to Euro", "U.S. Dollars to One Euro"),
    _fx("DEXUSUK", "U.S. Dollars to U.K. Pound Sterling", "U.S. Dollars to One U.K. Pound Sterling"),
    Series("DFEDTARL", "Federal Funds Target Range - Lower Limit", "Percent", "D", "NSA", "FOMC Press Release", "policy_rates"),
    Series("DFEDTARU", "Federal Funds Target Range - Upper Limit", "Percent", "D", "NSA", "FOMC Press Release", "policy_rates"),
    Series("DFF", "Federal Funds Effective Rate", "Percent", "D", "NSA", _H15, "policy_rates"),
    _yield("DGS1", 1, "Year"),
    _yield("DGS10", 10, "Year"),
    _yield("DGS1MO", 1, "Month"),
    _yield("DGS2", 2, "Year"),
    _yield("DGS20", 20, "Year"),
    _yield("DGS3", 3, "Year"),
    _yield("DGS30", 30, "Year"),
    _yield("DGS3MO", 3, "Month"),
    _yield("DGS5", 5, "Year"),
    _yield("DGS6MO", 6, "Month"),
    _yield("DGS7", 7, "Year"),
    Series("DHHNGSP", "Henry Hub Natural Gas Spot Price", "Dollars per Million BTU", "D", "NSA", "Spot Prices", "commodities"),
    Series("DTWEXBGS", "Nominal Broad U.S. Dollar Index", "Index Jan 2006=100", "D", "NSA", _H10, "fx"),
    Series("FEDFUNDS", "Federal Funds Effective Rate", "Percent", "M", "NSA", _H15, "policy_rates"),
    Series("GDP", "Gross Domestic Product", "Billions of Dollars", "Q", "SAAR", _NIPA, "gdp"),
    Series("GDPC1", "Real Gross Domestic Product", _GDP_2017, "Q", "SAAR", _NIPA, "gdp"),
    Series("GDPDEF", "Gross Domestic Product: Implicit Price Deflator", _INDEX_17, "Q", "SA", _NIPA, "gdp"),
    Series("ICSA", "Initial Claims", "Number", "W", "SA", "Unemployment Insurance Weekly Claims Report", "unemployment"),
    Series("INDPRO", "Industrial Production: Total Index", _INDEX_17, "M", "SA", "G.17 Industrial Production and Capacity Utilization", "gdp"),
    Series("IORB", "Interest Rate on Reserve Balances (IORB Rate)", "Percent", "D", "NSA", "Interest Rate on Reserve Balances", "policy_rates"),
    Series("PAYEMS", "All Employees, Total Nonfarm", "Thousands of Persons", "M", "SA", _JOBS, "payrolls"),
    Series("PCEPI", "Personal Consumption Expenditures: Chain-type Price Index", _INDEX_17, "M", "SA", _PCE, "inflation"),
    Series("PCEPILFE", "Personal Consumption Expenditures Excluding Food and Energy (Chain-Type Price Index)", _INDEX_17, "M", "SA", _PCE, "inflation"),
    Series("SP500", "S&P 500", "Index", "D", "NSA", "Standard & Poors", "indices"),
    Series("T10YIE", "10-Year Breakeven Inflation Rate", "Percent", "D", "NSA", "Interest Rate Spreads", "inflation"),
    Series("U6RATE", "Total Unemployed, Plus All Persons Marginally Attached to the Labor Force, Plus Total Employed Part Time for Economic Reasons, as a Percent of the Civilian Labor Force Plus All Persons Marginally Attached to the Labor Force (U-6)", "Percent", "M", "SA", _JOBS, "unemployment"),
    Series("UNRATE", "Unemployment Rate", "Percent", "M", "SA", _JOBS, "unemployment"),
    Series("VIXCLS", "CBOE Volatility Index: VIX", "Index", "D", "NSA", "CBOE Market Statistics", "indices"),
)  # fmt: skip


def series_of(series_id: str) -> Series:
    """Return the line of a series; ConfigurationError says how to follow one that has none."""
    for line in SERIES:
        if line.series_id == series_id:
            return line
    raise ConfigurationError(
        f"The catalogue has no series {series_id}",
        "See findata series list; findata series search finds ids at FRED, a line in "
        "findata_core/economic/catalogue.py follows one",
    )
