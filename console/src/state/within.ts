/** What a promise gives, or an error of this text where that takes longer. */
export async function within<T>(milliseconds: number, promise: Promise<T>, late: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(late)), milliseconds);
  });
  return Promise.race([promise, bound]).finally(() => clearTimeout(timer));
}
