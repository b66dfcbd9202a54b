/** The path of a request for a file. Only for names that are taken. */
export const targetOf = (name: string): string => `/data/${name.split('/').map(encodeURIComponent).join('/')}`
