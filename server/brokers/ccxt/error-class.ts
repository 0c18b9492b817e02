/** What kind of fault it is, by the names of the classes of ccxt. */

/** The classes of ccxt that a fault belongs to, the nearest first. */
export function classesOf(fault: unknown): readonly string[] {
  const names: string[] = [];
  let made: unknown = fault;
  while (typeof made === 'object' && made !== null && names.length < 12) {
    made = Object.getPrototypeOf(made) as unknown;
    const name = (made as { readonly constructor?: { readonly name?: string } } | null)?.constructor?.name;
    if (name !== undefined) names.push(name);
  }
  return names;
}

export function isClass(fault: unknown, name: string): boolean {
  return classesOf(fault).includes(name);
}
