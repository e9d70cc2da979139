"use strict";
/* Sort a table by a column: numbers as numbers, what has no value last, a second click reverses. */
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const cellAt = (row, column) => {
    let at = 0;
    for (const cell of row.cells) {
      if (column < at + cell.colSpan) return cell.colSpan === 1 ? cell : null;
      at += cell.colSpan;
    }
    return null;
  };
  const key = (row, column) => {
    const cell = cellAt(row, column);
    return cell ? (cell.dataset.order ?? cell.textContent.trim()) : "";
  };
  heads.forEach((head, column) => head.addEventListener("click", () => {
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    const rows = [...body.rows].map((row) => [key(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      const numeric = !isNaN(a) && !isNaN(b);
      return sign * (numeric ? a - b : a.localeCompare(b, "en", { numeric: true }));
    });
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    body.append(...rows.map(([, row]) => row));
  }));
}
