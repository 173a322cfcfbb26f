/**
 * How a device runs so that it takes little memory. What passes through it lives shortly: kept in a small nursery, it
 * costs half as much; without this, a device that was written on without pause had a nursery of 80 MB, whose pages stayed
 * for some more seconds once they were empty. And it may ask for a collection, to give back what documents took that nobody has
 * open any more.
 */
export const lean = ['--max-semi-space-size=4', '--expose-gc'];
